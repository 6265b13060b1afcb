// What `grassdb recover --discard-from-damage` says before it drops anything.
#ifndef GRASSDB_BIN_DATA_DROPPED_H_
#define GRASSDB_BIN_DATA_DROPPED_H_

#include <string>

#include "store/salvage.h"

namespace grassdb {

// In lines: what is damaged, what is kept, and of each entry behind that, as far as it can be read,
// its index, term and keys, with what the kept state has of them. `salvaged` is damaged.
std::string TextOfDropped(const store::Salvaged& salvaged, const std::string& data_dir,
                          const std::string& node);

}  // namespace grassdb

#endif  // GRASSDB_BIN_DATA_DROPPED_H_
