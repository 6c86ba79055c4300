"""Datasets say which clips a folder holds. A file here is a member; its name is its public name.

A member has a function ``items(data: Path) -> Iterator[lipwright.types.DataItem]``, reads only, and raises
`InputError` where the folder is not laid out as it expects. Nothing else has to be edited.
"""
