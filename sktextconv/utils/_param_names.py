"""Suggestions for unknown names of parameters."""

import difflib

__all__ = ["PARAMETERS", "describe_unknown_name", "suggest_name"]

# Names that other libraries use, by the name of the parameter here.
_OTHER_NAMES = {
    "max_epochs": "epochs n_epochs num_epochs nb_epochs nb_epoch num_train_epochs "
    "max_iter n_iter iterations",
    "learning_rate": "lr eta eta0 learning_rate_init lr_init step_size base_lr max_lr",
    "batch_size": "bs minibatch_size mini_batch_size train_batch_size "
    "per_device_train_batch_size",
    "epoch_size": "steps_per_epoch batches_per_epoch",
    "schedule": "scheduler lr_scheduler lr_schedule lr_scheduler_type",
    "augmenter": "augment augmentation data_augmentation",
    "validation_fraction": "validation_split val_split valid_split valid val_fraction "
    "test_size",
    "n_iter_no_change": "patience",
    "tol": "min_delta threshold tolerance",
    "class_weight": "weights loss_weights",
    "device": "gpu cuda use_gpu use_cuda accelerator no_cuda",
    "precision": "amp fp16 bf16 mixed_precision dtype half use_amp",
    "n_jobs": "n_threads num_threads threads nthreads workers num_workers",
    "random_state": "seed rng random_seed manual_seed",
    "verbose": "verbosity progress progress_bar show_progress",
    "checkpoint": "checkpoint_path ckpt save_path output_dir",
    "memory": "cache cache_dir cachedir cache_folder",
    "dropout": "dropout_rate dropout_prob dropout_p p_dropout drop_rate hidden_dropout",
    "embedding_dropout": "emb_dropout input_dropout",
    "embedding_dim": "embedding_size emb_dim embed_dim embed_size vector_size dim "
    "n_embd output_dim",
    "hidden_dim": "hidden_size hidden_units n_hidden units hidden rnn_units",
    "n_layers": "num_layers layers n_layer num_hidden_layers",
    "cell": "rnn_type cell_type",
    "max_tokens": "vocab_size vocabulary_size max_features max_words num_words "
    "max_vocab_size max_vocab n_words",
    "max_features": "max_tokens vocab_size vocabulary_size max_words num_words",
    "min_count": "min_df min_freq min_frequency",
    "max_length": "maxlen max_len seq_len max_seq_length max_seq_len sequence_length "
    "input_length max_sequence_length",
    "max_n": "ngram_range ngrams n_gram wordNgrams word_ngrams n",
    "lowercase": "lower lower_case do_lower_case to_lower",
    "n_filters": "filters num_filters n_kernels num_kernels n_channels out_channels",
    "widths": "kernel_sizes kernel_size filter_sizes window_sizes windows n_grams",
    "vectors": "embeddings pretrained pretrained_vectors word_vectors "
    "embedding_matrix pretrained_embeddings wv",
    "alphabet": "characters chars charset vocabulary",
    "depth": "n_layers num_layers layers",
    "clip_norm": "max_grad_norm grad_clip gradient_clip_val clip clipnorm",
    "size": "model_size",
}

# Parameters with such names.
PARAMETERS = tuple(_OTHER_NAMES)


def suggest_name(name, known):
    """Return the known name that was probably meant by `name`, or None."""
    for right in known:
        if name in _OTHER_NAMES.get(right, "").split():
            return right
    # Case and underscores apart, as in batchSize and max_Tokens.
    plain = {right.replace("_", ""): right for right in known}
    given = name.replace("_", "").lower()
    close = difflib.get_close_matches(given, plain, n=1, cutoff=0.65)
    return plain[close[0]] if close else None


def describe_unknown_name(name, known):
    """Return the end of a sentence on an unknown parameter.

    Parameters
    ----------
    name : str
        The unknown name.
    known : sequence of str
        The names of all parameters.

    Returns
    -------
    hint : str
        "did you mean 'max_epochs'?", or the list of valid names.
    """
    right = suggest_name(name, known)
    if right is None:
        return f"valid names: {', '.join(known)}."
    return f"did you mean {right!r}?"
