"""Questions as their forums sent them: saved, read, erased."""
