"""Files that real people have: strange, damaged or hostile. Each test makes its own."""
