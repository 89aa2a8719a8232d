"""One module a kind of file: folders, tables, arrays, CIFAR's batches. Each returns Records."""
