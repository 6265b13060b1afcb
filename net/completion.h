// Completions: what the tags of a completion queue point to.
#ifndef GRASSDB_NET_COMPLETION_H_
#define GRASSDB_NET_COMPLETION_H_

namespace grassdb::net {

// The receiver of one kind of event. Everything that is put on the event loop's queue as a tag is
// one of these. It outlives the event.
class Completion {
 public:
  // `ok` is gRPC's: false means that the operation did not happen, and for most operations that the
  // call is over.
  virtual void OnComplete(bool ok) = 0;

  void* tag() { return this; }

 protected:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() = default;
};

// Forwards to one method of its owner; an object with several operations under way has one of these
// for each.
template <class Owner, void (Owner::*kMethod)(bool)>
class Forward final : public Completion {
 public:
  explicit Forward(Owner* owner) : owner_(owner) {}
  void OnComplete(bool ok) override { (owner_->*kMethod)(ok); }

 private:
  Owner* owner_;
};

}  // namespace grassdb::net

#endif  // GRASSDB_NET_COMPLETION_H_
