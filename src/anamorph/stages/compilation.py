"""Settings of a process that runs circuits: JAX's persistent compilation cache, and fewer garbage collections."""

from __future__ import annotations

import gc

from anamorph.cache import cache_folder


def keep_compiled() -> None:
    """Switch the cache on for this process, unless the user chose one (``JAX_COMPILATION_CACHE_DIR``)."""
    import jax

    # tracing makes millions of small objects that live on: looking through them took 5 % of a run
    gc.set_threshold(200_000, 50, 50)

    if jax.config.values.get("jax_compilation_cache_dir"):
        return
    jax.config.update("jax_compilation_cache_dir", str(cache_folder("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
