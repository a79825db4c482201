"""The vault: credentials sealed with envelope encryption, and the index that recognises them."""
