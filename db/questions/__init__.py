"""Questions as their forums sent them: saved, read, erased.

May touch: questions, the work owed on them, and what goes when a question is erased.
Must never: judge whether two questions are the same.
Imported through: `questions`, `saving`, `rows`.
"""
