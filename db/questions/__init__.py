"""Questions as their forums sent them: saved, read, erased.

May touch: questions, their jobs, and everything that is deleted with a question.
Must never: decide whether two questions are the same.
Imported through: `questions`, `saving`, `erasures`, `authors`, `rows`.
"""
