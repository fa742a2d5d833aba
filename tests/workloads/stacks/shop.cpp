// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// shop PORT COUNT: as opener, in C++: a namespace, a class, a template, a lambda, exceptions.
// shop accept COUNT: listens, prints its port, accepts COUNT connections and ends with them open.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace shop {

class Pool {
public:
    explicit Pool(const sockaddr_in& address) : address_(address) {}

    [[gnu::noinline]] int take(const std::string& name)
    {
        const auto* to = reinterpret_cast<const sockaddr*>(&address_);
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        if (::connect(fd, to, sizeof(address_)) != 0) { // line of take
            throw std::runtime_error(name);
        }
        taken_.push_back(fd);
        return fd;
    }

private:
    sockaddr_in address_;
    std::vector<int> taken_;
};

template <typename Item> [[gnu::noinline]] int place(Pool& pool, const Item& item)
{
    std::string name = "order " + std::to_string(item);
    const int fd = pool.take(name); // line of place
    return fd + static_cast<int>(name.size());
}

[[gnu::noinline]] int keep_accepted(int listener)
{
    const int fd = ::accept(listener, nullptr, nullptr); // line of keep_accepted
    return fd < 0 ? std::abort(), 0 : fd;
}

} // namespace shop

static int serve(sockaddr_in address, int count)
{
    socklen_t size = sizeof(address);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener, 100) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return 1;
    }
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    int sum = 0;
    for (int number = 0; number < count; ++number) {
        sum += shop::keep_accepted(listener);
    }
    ::usleep(200'000); // as opener
    std::_Exit(sum > 0 ? 0 : 1);
}

int main(int argc, char** argv)
{
    if (argc < 3) {
        return 2;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (std::string(argv[1]) == "accept") {
        return serve(address, std::atoi(argv[2]));
    }
    address.sin_port = htons(static_cast<unsigned short>(std::atoi(argv[1])));
    shop::Pool pool(address);
    int sum = 0;
    const std::function<void(int)> each = [&](int number) {
        sum += shop::place(pool, number); // line of the lambda
    };
    for (int number = 0; number < std::atoi(argv[2]); ++number) {
        each(number);
    }
    ::usleep(200'000); // as opener
    std::printf("%d\n", sum);
    std::fflush(stdout);
    std::_Exit(0);
}
