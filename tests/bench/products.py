#!/usr/bin/env python3
"""Deterministic product catalogue as NDJSON: products.py [RECORDS=10000] [BYTES OF DESCRIPTION=100]"""
import json, random, sys

records = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
description = "x" * (int(sys.argv[2]) if len(sys.argv) > 2 else 100)
rng = random.Random(7)
for i in range(records):
    print(json.dumps({
        "id": f"prod{i:011d}", "name": f"Product {rng.randrange(records):05d}", "description": description,
        "price": round(rng.random() * 500, 2), "categoryId": f"cat{i % 50}", "inStock": i % 3 != 0,
        "stockQuantity": 1000 + i % 100, "imageUrl": f"https://img.example/{i}.png", "createdAt": "2024-08-05T10:30:00Z",
    }))
