// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// java Opener PORT COUNT: opens connections by a known path, so often that the path is compiled,
// closing all; then prints "warm", and when a line comes in opens COUNT more, which it keeps, and halts when the
// next line comes in.
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

public class Opener {
    static final List<SocketChannel> kept = new ArrayList<>();

    static SocketChannel takeFromPool(InetSocketAddress address) throws Exception {
        SocketChannel channel = SocketChannel.open();
        channel.connect(address);
        return channel;
    }

    static SocketChannel placeOrder(InetSocketAddress address, int number) throws Exception {
        SocketChannel channel = takeFromPool(address);
        if (number < 0) {
            throw new IllegalStateException();
        }
        return channel;
    }

    public static void main(String[] words) throws Exception {
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", Integer.parseInt(words[0]));
        for (int number = 0; number < 2; ++number) {
            placeOrder(address, number).close();
        }
        System.out.println("warm");
        System.in.read();
        for (int number = 0; number < Integer.parseInt(words[1]); ++number) {
            kept.add(placeOrder(address, number));
            Thread.sleep(10);
        }
        System.out.println("opened");
        System.in.read();
        Runtime.getRuntime().halt(0);
    }
}
