#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "lathe/base/result.h"

namespace lathe::daemon {

/// How many clients may be connected at once.
struct PlaceBounds {
  std::size_t all = 400;
  /// Of one peer: a process at the socket, an address over TCP. One that runs away leaves places to the others.
  std::size_t per_peer = 300;
};

/// The places that connected clients hold. Loop thread; outlives them.
class Places final {
 public:
  explicit Places(PlaceBounds bounds) : bounds_(bounds) {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  /// Held by a client for as long as it is connected.
  class Place final {
   public:
    Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)), peer_(std::move(other.peer_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (places_ != nullptr) places_->leave(peer_);
    }

   private:
    friend class Places;
    Place(Places& places, std::string peer) : places_(&places), peer_(std::move(peer)) {}
    Places* places_;
    std::string peer_;
  };
  /// `peer` names it to people: "process 12", "address 192.0.2.7". `limit_exceeded` says which bound is met.
  [[nodiscard]] base::Result<Place> take(std::string peer);
  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  void leave(const std::string& peer);

  const PlaceBounds bounds_;
  std::size_t taken_ = 0;
  std::map<std::string, std::size_t> of_peers_;
};

}  // namespace lathe::daemon
