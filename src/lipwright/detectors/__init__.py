"""Detectors find faces and put a mesh on them. A file here is a member; its name is its public name.

A member has a class ``Detector`` built without arguments that does what `lipwright.faces.Detector` says.
Nothing else has to be edited: the new member appears in ``lipwright models``, in error messages and in the
family's contract tests by itself.
"""
