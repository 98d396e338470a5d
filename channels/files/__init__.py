"""Files beside words: fetched from where a platform keeps them, checked, kept in a storage of ours, and served from our origin."""
