"""The formats of files that keys are imported from: one file each, exporting `FORM`."""
