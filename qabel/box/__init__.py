"""The formats of Qabel Box, as values and bytes: encrypted files on a block server, and shares.

A *prefix* is a name space on a block server. In it, each folder has *directory metadata* (DM), an
encrypted SQLite file whose rows name the folder's files and folders. Those of the root folder are
the *index*. A *block* is the encrypted content of one file. *File metadata* (FM) are what a share
points to.
"""
