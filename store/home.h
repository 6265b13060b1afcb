// What every part of a storage needs to know about the data directory it works in.
#ifndef GRASSDB_STORE_HOME_H_
#define GRASSDB_STORE_HOME_H_

#include "core/disk.h"
#include "store/file.h"
#include "store/names.h"
#include "store/storage.h"

namespace grassdb::store {

struct Home {
  Directory& directory;
  FileNames names;
  Identity identity;  // as found in the directory
  StorageOptions options;
};

}  // namespace grassdb::store

#endif  // GRASSDB_STORE_HOME_H_
