package receiver

const largeFile = 0o100000
