"""JAX's persistent compilation cache: what was compiled once is loaded from then on."""

from __future__ import annotations

from anamorph.cache import cache_folder


def keep_compiled() -> None:
    """Switch the cache on for this process, unless the user chose one (``JAX_COMPILATION_CACHE_DIR``)."""
    import jax

    if jax.config.values.get("jax_compilation_cache_dir"):
        return
    jax.config.update("jax_compilation_cache_dir", str(cache_folder("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
