"""The only room that changes the world: vault, providers, agents, engine, incidents."""
