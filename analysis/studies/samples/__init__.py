"""The policies of the declared samples, measured closer than every kept step can be."""
