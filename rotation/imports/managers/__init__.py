"""The secret managers that keys are imported from: one file each, exporting `MANAGER`."""
