//! The deterministic simulator shared by the scenarios and the fuzz targets.
