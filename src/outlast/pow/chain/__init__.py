"""The height of the chain: asked of its sources, shared by every process of a store."""
