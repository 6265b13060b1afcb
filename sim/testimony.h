// What checkers are told goes through Told(), where a test may have it falsified: a lie inside a
// running simulation, which its checker must see. So it is seen as well when a checker is not fed
// any more (tests/sim/lies_test.cc). Without a liar it costs a look at a pointer.
#ifndef GRASSDB_SIM_TESTIMONY_H_
#define GRASSDB_SIM_TESTIMONY_H_

#include <type_traits>
#include <utility>

namespace grassdb::sim {

// One thing that one checker is told, at one place. Known by its address: each is a variable of
// checkers/told.h.
template <class T>
struct Testimony {
  const char* about;
};

// For tests only.
class Liar {
 public:
  virtual ~Liar() = default;
  // A checker is about to be told `*value`, a T of `testimony`, a Testimony<T>.
  virtual void OnTold(const void* testimony, void* value) = 0;
};

// Of the process, which runs one simulation while there is one. Null: everybody tells the truth.
inline Liar* liar = nullptr;

// What the checker is told: `value`.
template <class T>
T Told(const Testimony<T>& testimony, std::type_identity_t<T> value) {
  if (liar != nullptr) [[unlikely]]
    liar->OnTold(&testimony, &value);
  return value;
}

}  // namespace grassdb::sim

#endif  // GRASSDB_SIM_TESTIMONY_H_
