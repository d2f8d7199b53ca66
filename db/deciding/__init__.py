"""What people say of pairs: decisions, their undoing, bulk decisions, second opinions."""
