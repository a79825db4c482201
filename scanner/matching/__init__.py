"""How a rule finds its keys: anchors for the engine, the exact pattern around a hit, cuts put together, all of it kept between runs."""
