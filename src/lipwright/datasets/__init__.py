"""Datasets say which clips a folder holds. A file here is a member; its name is its public name.

A member has a function ``items(data: Path) -> Iterable[lipwright.types.DataItem]``, reads only, and raises
`InputError` where the folder is not laid out as it expects. The ``split`` of an item is empty where the dataset
has none; `lipwright.prepare` then parts the speakers itself. A clip that is listed but is not there is an item like
any other: `lipwright.prepare` names it among those skipped. Nothing else has to be edited.
"""
