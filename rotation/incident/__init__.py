"""From a finding or an alarm to a decision."""
