"""The MCP server: jobs for AI agents. It holds no jobs; several may share a store, die, and come back."""
