"""Which messages of the stream are worth a label. Pure: it is told the time, and the lots it draws by."""
