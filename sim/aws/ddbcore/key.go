package ddbcore

// primaryKeyOf checks a request's Key against the table: exactly its key attributes, of their
// types, not empty and not too long.
func (t *table) primaryKeyOf(key item) (primaryKey, error) {
	schema := &t.primary.schema
	want := 1
	if schema.rng.name != "" {
		want = 2
	}
	if len(key) != want {
		return primaryKey{}, itemInvalidf(keySchemaText)
	}
	return t.keyOfItem(key, func(keyAttribute, item) error { return itemInvalidf(keySchemaText) })
}

const keySchemaText = "The provided key element does not match the schema"

// keyOfPut is the key of a whole item.
func (t *table) keyOfPut(it item) (primaryKey, error) {
	return t.keyOfItem(it, func(a keyAttribute, it item) error {
		if it[a.name] == nil {
			return itemInvalidf("One or more parameter values were invalid: Missing the key %s in the item", a.name)
		}
		return itemInvalidf("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s",
			a.name, a.kind, kindOf(it[a.name]))
	})
}

func (t *table) keyOfItem(it item, mismatch func(keyAttribute, item) error) (primaryKey, error) {
	schema := &t.primary.schema
	hash, err := keyPart(it, schema.hash, maxHashKeyBytes, mismatch)
	if err != nil || schema.rng.name == "" {
		return primaryKey{hash: hash}, err
	}
	rng, err := keyPart(it, schema.rng, maxRangeKeyBytes, mismatch)
	return primaryKey{hash, rng}, err
}

func keyPart(it item, a keyAttribute, maxBytes int, mismatch func(keyAttribute, item) error) (string, error) {
	text, ok := keyText(it[a.name], a.kind)
	switch {
	case !ok:
		return "", mismatch(a, it)
	case text == "" && a.kind == kindN:
		return "", itemInvalidf(notANumberText)
	case text == "":
		return "", itemInvalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
			emptyKindText(a.kind), a.name)
	case a.kind == kindN:
		return canonicalNumber(text)
	case len(text) > maxBytes && maxBytes == maxHashKeyBytes:
		return "", itemInvalidf("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case len(text) > maxBytes:
		return "", itemInvalidf("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return text, nil
}

func emptyKindText(k kind) string {
	if k == kindB {
		return "binary"
	}
	return "string"
}

// keyItem is an item with only the key.
func (t *table) keyItem(key primaryKey) item {
	schema := &t.primary.schema
	it := item{schema.hash.name: keyValue(key.hash, schema.hash.kind)}
	if schema.rng.name != "" {
		it[schema.rng.name] = keyValue(key.rng, schema.rng.kind)
	}
	return it
}
