//! Host tool: images, boot volumes, symbol tables.
