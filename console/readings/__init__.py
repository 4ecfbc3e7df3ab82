"""Several doors read for one view-model, inside the workspace's transaction."""
