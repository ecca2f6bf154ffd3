// What other threads hand to the main thread: gathered, so that many cost it one turn.
#include "server/queue_runner_impl.hpp"

namespace postern::server {

// What comes while the main thread is busy costs it one turn. Once nobody owns this any more, which what
// waits here holds alive, each goes its own way into the loop.
void queue_runner::impl::add_for_main(std::function<void()> work) {
    const std::lock_guard held(for_main_guard);
    if (gone)
        asio::post(main, [work = std::move(work)] { insist(work); });
    else
        for_main.push_back(std::move(work));
}

void queue_runner::impl::tell_main() {
    if (main_told.exchange(true)) return;
    insist([this] { asio::post(main, [self = shared_from_this()] { self->work_on_main(); }); });
}

void queue_runner::impl::work_on_main() {
    main_told = false;
    std::vector<std::function<void()>> now;
    {
        const std::lock_guard held(for_main_guard);
        now.swap(for_main);
    }
    std::size_t begun = 0;
    try {
        while (begun < now.size()) insist(now[begun++]);
    } catch (...) { // a bug of ours, in one: the others still have their turn
        for (; begun < now.size(); ++begun) insist([&] { add_for_main(now[begun]); });
        tell_main();
        throw;
    }
}

void queue_runner::impl::go() {
    std::vector<std::function<void()>> left;
    {
        const std::lock_guard held(for_main_guard);
        gone = true;
        left.swap(for_main);
    }
    for (auto& work : left) insist([this, &work] { add_for_main(work); });
}

} // namespace postern::server
