/* The tables, one migration after another. Private to engine/store. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <sqlcipher/sqlite3.h>

#include "engine/store/store.h"

/* Brings the database to the newest version, each step in a transaction of its own, so that a crash
   between two leaves a good older home. Returns SQLite's result; *too_new: a later release wrote
   it, nothing was touched. */
int schema_migrate(sqlite3 *db, bool *too_new);

#endif
