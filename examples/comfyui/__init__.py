"""lipwright in ComfyUI: put this folder into custom_nodes/ and `pip install lipwright` into ComfyUI's Python."""

from .lipwright_node import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
