// policy::tasks on a thread's io_context.
#pragma once

#include "policy/tasks.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace postern::server {

class side_tasks final : public policy::tasks {
  public:
    explicit side_tasks(boost::asio::any_io_executor on) : on_(std::move(on)) {}
    std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
    void begin(boost::asio::awaitable<void> work) override;
    std::unique_ptr<signal> make_signal() override;

  private:
    boost::asio::any_io_executor on_;
};

} // namespace postern::server
