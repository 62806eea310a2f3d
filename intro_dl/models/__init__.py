"""The lecture models, one file each; the file name is the option name of `model=`."""
