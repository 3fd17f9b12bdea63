#include "lathe/runtime/pool.h"

namespace lathe::runtime {

Pool::Pool(Loop& loop, std::string name, std::size_t threads)
    : loop_(loop), name_(std::move(name)), max_threads_(threads) {}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    CHECK(jobs_.empty());
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Pool::enqueue(std::move_only_function<void()> job) {
  loop_.external_work_started();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (idle_ < jobs_.size() && threads_.size() < max_threads_) threads_.emplace_back([this] { work(); });
  }
  wake_.notify_one();
}

void Pool::work() {
  name_this_thread(name_.c_str());
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace lathe::runtime
