"""Who speaks with people and programs: the command line, MCP and the web. They use the service, never the store."""
