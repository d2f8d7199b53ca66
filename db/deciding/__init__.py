"""Decisions of people on pairs: single ones, bulk decisions, second opinions.

May touch: decisions, second opinions, the state of a decided pair, and the groups that follow.
Must never: write over a version of a pair that the person did not see.
Imported through: `decisions`, `entry_decisions`, `bulk`, `by_hand`, `opinions`.
"""
