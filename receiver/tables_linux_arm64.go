package receiver

const largeFile = 0o400000
