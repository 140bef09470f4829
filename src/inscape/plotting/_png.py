"""Images as PNG text for a page."""

from base64 import b64encode
from io import BytesIO

import numpy as np


def data_uri(image: np.ndarray) -> str:
    """Encode an image.

    Images of many colours are reduced to 256, which halves their size and is not seen in flat colours.

    Args:
        image: (h, w, 4) uint8, row 0 at the top.

    Returns:
        ``data:image/png;base64,...``.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    if (image[..., 3] == 255).all():
        picture = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + b64encode(buffer.getvalue()).decode("ascii")
