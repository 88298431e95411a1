"""Who may hold and use which permission: pure decisions over plain records, nothing but the standard library."""
