"""The layers of the documents' networks that Keras lacks, and no others."""
