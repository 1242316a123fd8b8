"""The block server: stores encrypted files under names that say nothing about them.

It has the API of the one that Qabel deployed. What is stored are objects under random names, in a
folder; an SQLite file, the index, says what prefix and name each has, whose it is, and how much
there may be.
"""
