"""A checkpoint and a scan -> a mask on the scan's own grid."""
