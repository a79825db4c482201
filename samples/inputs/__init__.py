"""Programs that make leaked keys: a screenshot, a repository, a log.  The key is an argument; none is committed."""
