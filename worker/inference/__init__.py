"""Texts in, numbers out: tokens, backends, export, bi-encoder, CrossEncoder, cascade."""
