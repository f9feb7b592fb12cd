/* A target: holds data that the JDK made in direct buffers, which are malloc's memory, and open streams.
 *
 * usage: java --add-exports java.base/sun.nio.ch=ALL-UNNAMED Held FOLDER
 *
 * Prints a line "PIECE kind address size parts" (tabs between) for each piece, then READY. FOLDER is
 * for the files of dumps. */
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.zip.*;
public class Held {
    static class Order implements Serializable { int id; String name; List<String> tags = new ArrayList<>(); }
    static List<Object> kept = new ArrayList<>();

    static void hold(String kind, byte[] data, int parts) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(data.length);
        buffer.put(data);
        kept.add(buffer);
        System.out.println("PIECE\t" + kind + "\t" + ((sun.nio.ch.DirectBuffer) buffer).address() + "\t" + data.length + "\t" + parts);
    }
    static byte[] serialized(int i) throws IOException {
        Order order = new Order();
        order.id = i; order.name = "order " + i; order.tags.add("tag" + i);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(i % 2 == 0 ? order : new HashMap<>(Map.of("a", 1, "b", i)));
        return bytes.toByteArray();
    }
    static byte[] packed(byte[] data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) { out.write(data); }
        return bytes.toByteArray();
    }
    static byte[] zipped(byte[] data, int entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            for (int i = 0; i < entries; i++) { out.putNextEntry(new ZipEntry("com/example/" + i + ".class")); out.write(data); }
        }
        return bytes.toByteArray();
    }
    /* What java.net.http sends to a server of WebSocket that only shakes hands (RFC 6455 4.2.2). */
    static byte[] sentByWebSocket() throws Exception {
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread reader = new Thread(() -> {
                try (Socket link = server.accept()) {
                    BufferedInputStream in = new BufferedInputStream(link.getInputStream());
                    String line, key = "";
                    while (!(line = readLine(in)).isEmpty())
                        if (line.toLowerCase().startsWith("sec-websocket-key:")) key = line.substring(18).trim();
                    byte[] sum = MessageDigest.getInstance("SHA-1").digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes());
                    link.getOutputStream().write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Accept: " + Base64.getEncoder().encodeToString(sum) + "\r\n\r\n").getBytes());
                    for (int next; (next = in.read()) >= 0;) sent.write(next);
                } catch (Exception e) { e.printStackTrace(); }
            });
            reader.start();
            WebSocket client = HttpClient.newHttpClient().newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + server.getLocalPort() + "/"), new WebSocket.Listener() { }).join();
            for (int i = 0; i < 10; i++) client.sendText("{\"type\":\"order\",\"number\":" + i + "}", true).join();
            client.abort();
            reader.join();
        }
        return sent.toByteArray();
    }
    static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next; (next = in.read()) >= 0 && next != '\n';)
            if (next != '\r') line.append((char) next);
        return line.toString();
    }
    public static void main(String[] arguments) throws Exception {
        byte[] text = new byte[3000], out = new byte[4096];
        for (int i = 0; i < text.length; i++) text[i] = (byte) ("order item total 0123456789 ".charAt(i * 7 % 27));
        List<byte[]> classes = new ArrayList<>();
        try (ZipFile jar = new ZipFile(System.getProperty("java.home") + "/lib/jrt-fs.jar")) {
            for (var entry : Collections.list(jar.entries()))
                if (entry.getName().endsWith(".class") && classes.size() < 24)
                    classes.add(jar.getInputStream(entry).readAllBytes());
        }
        for (byte[] data : classes) hold("class", data, 1);
        for (int i = 0; i < 12; i++) {
            hold("java serialized", serialized(i), 1);
            hold("gzip", packed(Arrays.copyOf(text, 300 + 200 * i)), 1);
            hold("zip, deflated", zipped(Arrays.copyOf(text, 300 + 200 * i), i + 1), i + 1);
        }
        String folder = arguments[0];
        java.lang.management.ManagementFactory.getPlatformMXBean(com.sun.management.HotSpotDiagnosticMXBean.class)
            .dumpHeap(folder + "/a.hprof", true);
        hold("heap dump", Files.readAllBytes(Path.of(folder, "a.hprof")), 1);
        try (jdk.jfr.Recording recording = new jdk.jfr.Recording()) {
            recording.start(); recording.stop(); recording.dump(Path.of(folder, "a.jfr"));
        }
        hold("flight recording", Files.readAllBytes(Path.of(folder, "a.jfr")), 1);
        hold("websocket client", sentByWebSocket(), 10);
        for (int i = 0; i < 25; i++) {
            Inflater inflater = new Inflater();
            Deflater deflater = new Deflater();
            deflater.setInput(text); deflater.finish();
            inflater.setInput(out, 0, deflater.deflate(out)); inflater.inflate(new byte[1000]);
            kept.add(inflater); kept.add(deflater);
        }
        System.out.println("READY");
        Thread.sleep(600000);
    }
}
