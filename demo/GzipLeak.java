import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * A service that opens GZIP streams in several threads and forgets to close them.
 *
 * <p>Each open stream holds about 40 KB of malloc memory in zlib (a z_stream, an inflate_state and its
 * 32 KiB window) and next to nothing in the Java heap, so -Xmx never bites. Then most of the streams
 * are dropped and collected: their memory goes back to glibc, which keeps it.
 *
 * <p>usage: GzipLeak [STREAMS_PER_THREAD]. Prints READY and ends with its stdin.
 */
public final class GzipLeak {
    private static final int THREADS = 6;
    private static final int KEEP_ONE_IN = 8;
    private static final int WINDOW = 34_000; // bytes to read until the whole window was written

    /** What a plugin loader reads: class files of the JDK, and a manifest. */
    private static byte[] resource(int number) throws IOException {
        Class<?>[] classes = {String.class, Thread.class, ArrayList.class, java.util.HashMap.class};
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        StringBuilder manifest = new StringBuilder("Manifest-Version: 1.0\r\n");
        manifest.append("Bundle-SymbolicName: com.example.plugin").append(number).append("\r\n");
        manifest.append("Created-By: 17 (Example)\r\n\r\n");
        out.write(manifest.toString().getBytes(StandardCharsets.ISO_8859_1));
        for (int i = 0; i < classes.length; i++) {
            Class<?> type = classes[(number + i) % classes.length];
            try (InputStream in = type.getResourceAsStream(type.getSimpleName() + ".class")) {
                in.transferTo(out);
            }
        }
        return out.toByteArray();
    }

    private static byte[] compress(byte[] data) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(data);
        }
        return out.toByteArray();
    }

    /** Reads the beginning of a stream and leaves it open. */
    private static InputStream open(byte[] compressed) throws IOException {
        InputStream stream = new GZIPInputStream(new ByteArrayInputStream(compressed), 128);
        byte[] buffer = new byte[1024];
        for (int read = 0; read < WINDOW; ) {
            read += Math.max(1, stream.read(buffer));
        }
        return stream;
    }

    private static void leak(byte[] compressed, int streams, CountDownLatch done) {
        List<InputStream> kept = new ArrayList<>();
        try {
            List<InputStream> forgotten = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                (i % KEEP_ONE_IN == 0 ? kept : forgotten).add(open(compressed));
            }
            forgotten.clear();
            done.countDown();
            Thread.sleep(Long.MAX_VALUE);
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("with " + kept.size() + " streams open", e);
        }
    }

    public static void main(String[] arguments) throws Exception {
        int streams = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1600;
        CountDownLatch done = new CountDownLatch(THREADS);
        for (int i = 0; i < THREADS; i++) {
            byte[] compressed = compress(resource(i));
            Thread thread = new Thread(() -> leak(compressed, streams, done), "plugin-load-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        done.await();
        for (int i = 0; i < 4; i++) {
            System.gc();
            Thread.sleep(250);
        }
        System.out.println("READY");
        while (System.in.read() >= 0) {
            Thread.onSpinWait();
        }
    }
}
